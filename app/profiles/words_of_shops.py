"""What people call the things of a catalogue: words that gather several kinds, diets, and Chinese for English names."""

from __future__ import annotations

# A word and the kinds that it gathers, which a catalogue may know where it does not know the word.
GATHERED = {
    "alcohol": "beer|ale|lager|cider|wine|champagne|liquor|spirits|vodka|whiskey|whisky|bourbon|rum|gin|tequila|brandy"
    "|cognac|cordials|cocktails",
    "tobacco": "cigarettes|cigars|smoking tobacco|chewing tobacco",
    "sweets": "candy|chocolate|chewing gum",
    "fish": "tuna|salmon|sardines|cod|tilapia|trout|anchovies|herring|catfish",
    "seafood": "fish|tuna|salmon|sardines|shrimp|shellfish|crab|lobster|clams|oysters|mussels",
    "meat": "beef|pork|lamb|veal|chicken|turkey|poultry|ham|bacon|sausage|lunchmeat|deli meats|hot dogs",
    "poultry": "chicken|turkey|duck|goose",
    "dairy": "milk|cheese|yogurt|butter|sour cream|whipping cream|whipped cream|ice cream",
    "pet food": "dog food|cat food",
    "soda": "soft drinks|cola",
}
# The same by another name, for where a catalogue does not know the first.
OTHER_NAMES = {
    "booze": "alcohol",
    "alcoholic drink": "alcohol",
    "alcoholic beverage": "alcohol",
    "fish": "seafood",
    "science fiction": "sci-fi",
    "sci-fi": "science fiction",
    "scifi": "sci-fi",
    "romantic": "romance",
    "cartoon": "animation",
    "kids": "children",
    "children": "kids",
    "scary": "horror",
    "funny": "comedy",
    "soda": "lemonade",
    "sweets": "confectionery",
}
# Who is this wants none of these.
DIETS = {
    "vegetarian": ("meat", "fish", "seafood"),
    "vegan": ("meat", "fish", "seafood", "dairy", "eggs", "honey"),
    "pescatarian": ("meat",),
    "lactose intolerant": ("dairy",),
    "teetotal": ("alcohol",),
    "teetotaler": ("alcohol",),
    "teetotaller": ("alcohol",),
    "素食者": ("meat", "fish", "seafood"),
    "素食主义者": ("meat", "fish", "seafood"),
}
CHINESE_NAMES = dict(
    pair.split(" ", 1)
    for pair in """
恐怖 horror
惊悚 thriller
科幻 science fiction
喜剧 comedy
爱情 romance
动作 action
战争 war
动画 animation
卡通 animation
纪录 documentary
冒险 adventure
犯罪 crime
悬疑 mystery
奇幻 fantasy
音乐 music
西部 western
剧情 drama
儿童 children
酒 alcohol
酒精 alcohol
啤酒 beer
葡萄酒 wine
红酒 wine
白酒 liquor
香烟 cigarettes
烟 tobacco
肉 meat
牛肉 beef
猪肉 pork
羊肉 lamb
鸡肉 chicken
鱼 fish
海鲜 seafood
牛奶 milk
奶制品 dairy
乳制品 dairy
奶酪 cheese
酸奶 yogurt
鸡蛋 eggs
面包 bread
米饭 rice
蔬菜 vegetables
水果 fruit
零食 snacks
糖果 candy
巧克力 chocolate
冰淇淋 ice cream
披萨 pizza
比萨 pizza
冷冻披萨 frozen pizza
咖啡 coffee
茶 tea
果汁 juice
汽水 soft drinks
玩具 toys
杂志 magazines
花 flowers
鲜花 flowers
婴儿 baby
婴儿食品 baby food
狗粮 dog food
猫粮 cat food
洗发水 shampoo
化妆品 cosmetics
""".strip().splitlines()
)
_COMPOUNDS = """
peanut butter|almond butter|cocoa butter|body butter|shea butter|apple butter|nut butter|hot dog|corn dog|ice cream
shaving cream|hand cream|face cream|body cream|root beer|ginger ale|ginger beer|rubbing alcohol|cream soda|egg roll
coconut milk|almond milk|soy milk|oat milk|rice milk|bath salt|epsom salt|cotton candy|star fish|jelly fish|gold fish
sea horse|cotton ball|egg plant|sea food|sun flower|corn flower|cooking wine|baking soda|dog food|cat food|pet food
bird food|plant food|baking chocolate|vinegar wine|tomato cocktail
"""
# The last word does not say what these are: peanut butter is no butter.
NOT_A_KIND = frozenset(_COMPOUNDS.replace("\n", "|").strip("|").split("|"))
_DENIALS = "non no not free fake imitation artificial vegetarian vegan meatless without less plastic"
# A label with one of these says what it is not.
NOT_REALLY = frozenset(_DENIALS.split())
