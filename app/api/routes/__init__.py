"""The calls, one resource a file; each handler is a sentence: read, let a service do it, answer."""

from fastapi import APIRouter

from app.api.routes import (
    attribution,
    behaviors,
    docs,
    errors,
    health,
    items,
    jobs,
    keys,
    metrics,
    models,
    people,
    profiles,
    recommendations,
    scenarios,
    search,
    trending,
    users,
)

ROUTERS: tuple[APIRouter, ...] = (
    behaviors.router,
    profiles.router,
    recommendations.router,
    scenarios.router,
    attribution.router,
    trending.router,
    search.router,
    items.router,
    users.router,
    people.router,
    jobs.router,
    models.router,
    keys.router,
    health.router,
    metrics.router,
    errors.router,
    docs.router,
)
