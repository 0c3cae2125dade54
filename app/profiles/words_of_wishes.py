"""The words that statements are made of, in English and Chinese: what they ask for, join, and leave out.

Everything here is lower case without accents. An apostrophe stands for all ways to write a contraction.
"""

from __future__ import annotations

from typing import Literal

# `want`: what is searched for; `am`: what somebody is; `also`: not only; `except`: out of what was said before;
# `without`: never, unless it only describes; `unclear`: words that would be guessed.
Intent = Literal["more", "less", "never", "pin", "want", "am", "also", "except", "without", "unclear"]

POSITIVE: frozenset[Intent] = frozenset(["more", "pin", "want", "am", "also"])
NEGATIVE: frozenset[Intent] = frozenset(["less", "never", "without"])


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Understood wherever they stand.
_ANYWHERE: dict[Intent, str] = {
    "never": "no|not|never|nothing|none of|no longer|hate|hates|can't|can't stand|allergic to|anything but"
    "|anything except|everything but|everything except|all but|all except|don't|won't|get rid of|away with"
    "|stopped|gave up|given up|giving up"
    "|不要|不想|别|不看|不吃|不喝|不买|从不|绝不|不再|再也不|讨厌|没有|禁止|停止|屏蔽|避免|排除|拒绝|不能",
    "without": "without|不含|不带",
    "less": "less|less of|fewer|not so much|not so many|not as much|not as many|not that much|not that many"
    "|not too much|not too many|too much|too many|not much|not many|cut down on|cut back on|tone down"
    "|go easy on|rarely|seldom|don't like|don't love|don't enjoy|dislike|dislikes|not interested in|not into"
    "|not a fan of|not a big fan of|tired of|sick of|bored of|bored with|bored by|fed up with|done with"
    "|enough|enough of|instead of|rather than|only a little|only a few|少|少一点|少一些|少点|少些|减少|更少|少推荐"
    "|少给|太多|不太喜欢|不喜欢|不爱|不感兴趣|厌倦",
    "more": "more|more of|lots of|plenty of|i like|we like|i really like|i love|we love|i really love|i enjoy|we enjoy"
    "|prefer|fan of|interested in|i'm into|not enough|never enough|can't get enough of|nothing but|nothing except|only"
    "|多|多一点|多一些|多点|多些|更多|多推荐|多给|增加|喜欢|爱看|爱吃|感兴趣|偏爱|只要|只想",
    "pin": "always show|always include|always recommend|keep showing|keep recommending|always|总是|一直",
    "want": "looking for|look for|searching for|in the mood for|feel like|would like"
    "|i'd like|we'd like|would love|i'd love|we'd love|craving"
    "|我在找|在找|寻找|找|想要|我要|想找|推荐|来点|来一些|需要|想",
    "am": "i'm|we're|i became|i've become|i've gone|我是|我们是",
    "also": "not only|not just|not merely|不只|不仅|不光",
    "except": "except|except for|apart from|other than|aside from|除了|除外",
    "unclear": "not without|never without|don't mind|no idea|don't know|don't forget|used to|not for|not sure"
    "|not always|no preference|no problem|no matter|no need|not necessarily|not bad|not really"
    "|不介意|不知道|不一定|不是",
}
# Verbs of an order: understood where a clause begins, a name in the middle (`sun block`).
_AT_START: dict[Intent, str] = {
    "never": "avoid|exclude|hide|hiding|ban|block|remove|stop|stop with|stop showing|stop recommending|stop suggesting"
    "|quit|skip|drop|forget|forget about",
    "less": "reduce|limit|decrease",
    "more": "increase|like|love|enjoy|favour|favor",
    "pin": "pin",
    "unclear": "undo|cancel|revert|reset|never mind",
    "want": "want|search|search for|find|need|show|recommend|suggest|give|get|wish for",
}
STOPS = frozenset(".!?;:。！？；：…\n") | {
    "but",
    "however",
    "though",
    "although",
    "yet",
    "但是",
    "但",
    "不过",
    "可是",
    "而是",
}
SOFT_STOPS = frozenset("\n:：;；…")
COMMAS = _words(", ， 、")
ANDS = frozenset(
    ["and", "or", "nor", "plus", "&", "/", "+", "和", "与", "跟", "及", "以及", "或", "或者", "还有", "也"]
)
# Cut off both ends of what was said; nobody looks for them.
FILLERS = _words("""
a an the some any anything something everything all this that these those of with containing contains contain has
have having involving about from related which is are was be been it its me my mine us our you your i we they them he
she his her for to in on at by as so just really even please pls kindly thanks thank now again anymore more
ever too also very much many lot bit little kind sort type see seeing watch watching eat eating drink drinking buy
buying read reading show showing shown recommend recommending suggest suggesting give giving find finding use using
want wanting like would will can could should do does did going go get getting let made make making either rather
today then well ok okay hi hello hey dear anyway mostly completely entirely totally absolutely
我 我们 你 给 的 了 请 吧 呢 啊 吗 看 看到 吃 喝 买 要 再 点 一点 一些 些
任何 任何的 有 关于 含有 含 对 是 现在 都 那 这
""")
# Said of everything that can be recommended; left out where a name is not known with them.
GENERIC = _words("""
film movy movie picture product item article thing stuff good title genre category brand section recommendation
suggestion list feed result content option choice food one show series
片 电影 影片 类 类型 的电影 东西 商品 产品 食品 食物 视频 书 书籍 节目
""")
# Cut off both ends of a wish; more would change it.
ARTICLES = _words("the a an some any me us to of please pls thanks thank you now again 请 给 我 的 吧 一些")
# Beside the name of a diet they say nothing more.
DIET_WORDS = _words("now strictly strict going went became become gone diet people family person i we my")
# One of these behind a comma begins to tell something else.
SUBJECTS = _words("i i'm i've we we're he she they it it's my our 我 我们")
# `dog food is not needed` says no to what stands before it.
COPULAS = _words("is are was were be do does am")
PREPOSITIONS = _words("with of for about in from by like containing than at on")
# What they bring along is not understood, so a clause with them is told and not guessed.
QUALIFIERS = _words("""
if unless when while until till til before after since than because except starting during whenever why
如果 除非 当 直到 之前 以后 之后 过敏
""")
# Whoever says this of something does not look for it; with the commonest words for no in other languages.
COMPLAINTS = _words("""
awful terrible horrible boring disgusting gross sick worst annoying annoy sucks suck bad ugh nasty stupid hurt
isn't aren't wasn't ain't shouldn't wouldn't
kein keine keinen nicht ohne ne pas sans não nao nunca jamais niet geen nie нет не без
""")


# Words that only look as if they held one of those above.
_WHOLE_CHINESE = _words(
    """
特别 性别 级别 少年 少女 青少年 多少 和平 梦想 思想 理想 想象 音乐剧 和牛 图
片 卡片 照片 鱼片 薯片 麦片 肉片 药片
"""
)


def _ways(phrase: str) -> set[str]:
    """`i'm into` -> that, `im into`, `i am into`."""
    ways = {phrase}
    for short, *long in (
        ("i'm", "i am", "im"),
        ("we're", "we are"),
        ("don't", "do not", "dont", "doesn't", "does not"),
        ("can't", "cannot", "can not", "cant"),
        ("won't", "will not"),
        ("i've", "i have"),
        ("i'd", "i would", "id"),
        ("we'd", "we would"),
    ):
        if f" {phrase} ".find(f" {short} ") >= 0:
            ways |= {phrase.replace(short, other) for other in long}
    return ways


def _markers(of: dict[Intent, str]) -> dict[tuple[str, ...], Intent]:
    return {
        tuple(way.split()): intent
        for intent, phrases in of.items()
        for phrase in phrases.split("|")
        for way in _ways(phrase)
    }


AT_START = _markers(_AT_START)
MARKERS = _markers(_ANYWHERE) | AT_START
MOST_WORDS = max(map(len, MARKERS))
CHINESE = sorted(
    (
        word
        for word in {*(words[0] for words in MARKERS), *STOPS, *ANDS, *FILLERS, *GENERIC, *QUALIFIERS, *_WHOLE_CHINESE}
        if "\u3400" <= word[0] <= "\u9fff"
    ),
    key=lambda word: (-len(word), word),
)
