"""Two catalogues of names only, as the demo data has them: MovieLens genres and a part of The Complete Journey."""

from __future__ import annotations

from datetime import UTC, datetime

from app.domain.catalogue import Catalogue
from app.domain.item import Item

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)  # a Wednesday

_GENRES = """
Action Adventure Animation Children Comedy Crime Documentary Drama Fantasy Film-Noir Horror IMAX Musical Mystery
Romance Sci-Fi Thriller War Western
"""
AISLES = """
Grocery > Beers/Ales > Beer/Ale/Malt Liquors
Grocery > Domestic Wine > Premium
Grocery > Imported Wine > Italian Wines
Grocery > Frozen Pizza > Pizza/Premium
Grocery > Frozen Pizza > Pizza/Traditional
Grocery > Ice Cream/Milk/Sherbets > Premium
Grocery > Cookies/Cones > Tray Pack/Choc Chip Cookies
Grocery > Coffee > Ground Coffee
Grocery > Butter > Butter
Grocery > Peanut Butter/Jelly/Jams > Peanut Butter
Grocery > Baby Foods > Baby Juices
Grocery > Household Cleaning Needs > Cleaning Wipes
Grocery > Seafood - Shelf Stable > Tuna
Grocery > Candy > Chocolate Bars
Grocery > Soft Drinks > Soft Drink 2 Liter
Grocery > Cheese > String Cheese
Grocery > Refrigerated > Vegetarian Meats
Grocery > Dog Foods > Dry Dog Food
Spirits > Liquor > Vodkas
Drug & General Merchandise > Cigarettes > Cigarettes
Drug & General Merchandise > Toys and Games > Puzzles
Drug & General Merchandise > Candy - Packaged > Chewing Gum
Drug & General Merchandise > Cold and Flu > Lozenges
Seafood > Seafood-Fresh > Salmon
Meat > Beef > Ground Beef
Meat > Chicken > Chicken Wings
Meat > Pork > Ribs
Nutrition > Babyfood > Baby Cereal
Produce > Organic Fruit & Vegetables > Organic Apples
Produce > Apples > Gala
""".strip().splitlines()


def films() -> Catalogue:
    return Catalogue(Item(genre, f"A {genre} film", categories=(genre,)) for genre in _GENRES.split())


def shop() -> Catalogue:
    brands = ("National", "Private")
    return Catalogue(
        Item(f"{brand}-{path}", path.rpartition(" > ")[2], categories=(path,), attributes={"brand": brand})
        for path in AISLES
        for brand in brands
    )
