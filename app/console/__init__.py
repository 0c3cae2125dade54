"""The browser's door: pages in which a person reads profiles, recommendations, items, models and jobs.

A request enters through `pages`, which asks services as the API does; an answer leaves through `render`, which fills
`templates` and escapes everything. What changes something goes from `static/console.js` to the REST API.
Start with `pages/users`.
"""
