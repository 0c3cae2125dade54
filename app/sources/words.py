"""A retailer's shorthand in readable words: `FRZN ICE` -> `Frozen Ice`."""

from __future__ import annotations

import re
from functools import lru_cache

_CUT_AT = 30  # characters of the source's fields; a very short last word is the beginning of a longer one
# Pairs `SHORT long words`; words that are not here are only put into title case.
_SHORT = dict(
    pair.split(" ", 1)
    for pair in """
ACCESS Accessories
ACCESSSPILL Accessories
ACCSS Accessories
BG Bags
BKD Baked
BLY Belly
BN Beans
BRD Breaded
BRKFST Breakfast
BRST Breast
BRSKT Brisket
BTL Bottle
BTR Butter
CARB Carbonated
CATFD Cat Food
CHIX Chicken
CHOC Chocolate
CHOCOCLATE Chocolate
CHP Chop
CKYS Cookies
CLEANG Cleaning
CND Canned
CNDLES Candles
CNDY Candy
CNTRL Control
COFF Coffee
CONC Concentrate
CRBNTD Carbonated
CRKR Crackers
CRMD Creamed
CRYSTL Crystal
DEOD Deodorant
DETE Detergent
DISPOSIBLE Disposable
DL Deli
DNR Dinner
DNRS Dinners
DOGFD Dog Food
DPS Dips
DRNK Drink
DRNKING Drinking
DRNKNG Drinking
DRNKS Drinks
DRP Drops
DRSNG Dressing
ELECT Electrical
ELSTC Elastic
ENG English
FD Food
FEM Feminine
FLNK Flank
FLVR Flavored
FLVRD Flavored
FRE Fresh
FRZ Frozen
FRZN Frozen
FS French Style
GAL Gallon
GDS Goods
GM General Merchandise
GRND Ground
HBC Health & Beauty
HYGN Hygiene
INGRED Ingredients
JCE Juice
LIQ Liquid
LIQS Liquids
LNCHMT Lunchmeat
LNDRY Laundry
LOZNG Lozenges
LRG Large
LSS Less
LTR Liter
MACH Machine
MFG Manufacturer
MISC Miscellaneous
MIXS Mixes
MLK Milk
MLT Multi
MNERAL Mineral
MNRL Mineral
MX Mix
MXS Mixes
NDAIRY Non-Dairy
ORGANICS Organic
PCKGD Packaged
PICKLD Pickled
PK Pack
PKG Packaged
PKGD Packaged
PKLD Pickled
PLT Plate
PNT Peanut
PNUT Peanut
PPK Prepacked
PREP Prepared
PREPORTND Preportioned
PRPCK Prepacked
PRSLC Presliced
PTTY Patty
PWDR Powder
PWDRS Powders
REFRGRATD Refrigerated
REFRIG Refrigerated
RETL Retail
RTS Ready to Serve
SAL Salad
SALD Salad
SAUS Sausage
SFT Soft
SGL Single
SHERBTS Sherbets
SHLDR Shoulder
SHNK Shank
SLC Slice
SNDWCH Sandwich
SNGL Single
SNKS Snacks
SPEC Specialties
SPLY Supplies
SPRD Spreads
SRV Serve
SS Single Serve
STK Steak
SUP Super
SUPPPLIES Supplies
SV Serve
SW Sweet
SWT Sweet
SWEETNERS Sweeteners
SYRP Syrup
THN Than
TISS Tissue
TORT Tortilla
TRSH Trash
VAC Vacuum
VEG Vegetables
VEND Vending
WAT Water
WHL Whole
WHLSM Wholesome
XPCTRNT Expectorant
""".strip().splitlines()
)
_PHRASES = {
    "IWS ": "INDIVIDUALLY WRAPPED ",
    "REFIGERATED": "REFRIGERATED",
    "BEERALEMALT LIQUORS": "BEER/ALE/MALT LIQUORS",
    "SAUCESSALSAPICANTEE": "SAUCES/SALSA/PICANTE",
    "PLSTC CTLRYTBLCLTHSTTHPKSST": "PLASTIC CUTLERY/TABLECLOTHS/TOOTHPICKS",
    "BOURBONWHISKEYSOUR MASHES": "BOURBON/WHISKEY/SOUR MASHES",
    "NUT SUPP": "NUTRITIONAL SUPPLEMENT",
    "DRUG GM": "DRUG & GENERAL MERCHANDISE",
    " W/O ": " WITHOUT ",
    " W/": " WITH ",
}
_KEPT = frozenset(
    ["BBQ", "CD", "CT", "DVD", "DXM", "HD", "IQF", "LB", "NZ", "OTC", "OZ", "PSE", "SPF", "SPHE", "TV", "USA", "VCR"]
)
_SMALL = frozenset(["AND", "AT", "BY", "FOR", "FROM", "IN", "OF", "ON", "OR", "PER", "THE", "TO", "WITH", "WITHOUT"])


@lru_cache(maxsize=20_000)
def readable(short: str) -> str:
    """`BREAD:ITALIAN/FRENCH` -> `Bread: Italian/French`; a bracket that the source cut off is dropped."""
    text = re.sub(r"[ /&]\w{1,3}$", "", short.upper()) if len(short) == _CUT_AT else short.upper()
    for phrase, words in _PHRASES.items():
        text = text.replace(phrase, words)
    text = re.sub(r"\([^)]*$| (AND|OR|WITH|&) *$", "", " ".join(text.split()))
    text = re.sub(r"\b([A-Z]{3,}) S\b", r"\1'S", text)
    text = re.sub(r"(?<=\w)&(?=\w)", " & ", text)
    text = re.sub(r"(?<=[A-Z])\. *(?=\w)", " ", text)
    text = re.sub(r":(?=\w)", ": ", text)
    return re.sub(r"\b[A-Z][A-Z']*", _word, text).strip(" -/,:.")


def _word(match: re.Match[str]) -> str:
    word = match.group()
    if word.removesuffix("'S") in _KEPT:
        return word.replace("'S", "s")
    if word in _SMALL and match.start():
        return word.lower()
    return _SHORT.get(word) or word.capitalize()
