"""The pages, one a file; each asks services and fills a template."""

from fastapi import APIRouter

from app.console.pages import access, items, models, search, start, static, users, why

ROUTERS: tuple[APIRouter, ...] = (
    start.router,
    search.router,
    users.router,
    why.router,
    items.router,
    models.router,
    access.router,
    static.router,
)
