"""The words of the computed tables and sentences, in English and in Chinese (keys: en, zh)."""

OUTCOME = {
    "en": [
        (
            "{rows} of Table 1's {all} rows have finished runs at {scale} scale, {runs} in all"
            " ({recipe}; {depth} layers for the paper's 110)."
        ),
        "The original network ends at {original} % (the paper, at its own scale: {paper} %).",
        "{failures}",
        "Spearman's rank correlation with the paper's errors is {correlation}.",
        "Of {pairs} pairs of neighbours in the paper's order {stand} stand in it here too{sure}.",
    ],
    "zh": [
        (
            "表 1 的 {all} 行中有 {rows} 行在 {scale} 规模下训练完成，共 {runs} 次"
            "（{recipe}；论文的 110 层在这里为 {depth} 层）。"
        ),
        "原始网络的测试误差为 {original} %（论文完整规模：{paper} %）。",
        "{failures}",
        "与论文误差的 Spearman 秩相关系数为 {correlation}。",
        "按论文次序相邻的 {pairs} 对中，这里有 {stand} 对次序相同{sure}。",
    ],
}
FULL = {
    "en": (
        "By the papers' own recipe, iteration for iteration, ResNet-{depth} ends at {ours} % on"
        " {data}; 1512.03385, Table 6, has {paper} % on CIFAR-10 itself."
    ),
    "zh": (
        "按论文的完整训练方案，ResNet-{depth} 在 {data} 上的测试误差为 {ours} %"
        "（1512.03385 表 6，原始 CIFAR-10：{paper} %）。"
    ),
}
JUDGED = {
    "en": (
        "By the paper's rule, \"fail\" above 20 %, {agree} of the {rows} rows have the paper's"
        " verdict: of its {failing} failures {both} fail here too."
    ),
    "zh": (
        "按论文的规则（误差高于 20 % 为失败），{rows} 行中有 {agree} 行与论文的判定相同："
        "论文的 {failing} 个失败中，这里也有 {both} 个失败。"
    ),
}
NOT_JUDGED = {
    "en": (
        'These runs are too short for the paper\'s rule ("fail" above 20 %), but the worst'
        " {failing} rows here hold {both} of its {failing} failures."
    ),
    "zh": (
        "这些训练太短，不能用论文的规则（误差高于 20 % 为失败）判定，"
        "但这里最差的 {failing} 行中有论文 {failing} 个失败中的 {both} 个。"
    ),
}
SURE = {
    "en": (
        "; beyond chance (at 95 %) {same} are as the paper has them and {other} the other way round"
    ),
    "zh": "；超出偶然（95 %）的有 {same} 对与论文一致、{other} 对相反",
}
ONE_SEED = {
    "en": "; with one seed of each, chance cannot be ruled out",
    "zh": "；每种只有一个种子，不能排除偶然",
}
HEADS = {
    "en": [
        "Table {n}",
        "",
        "the paper, %",
        "ours at {scale} scale, %",
        "runs",
        "fails: paper / ours",
    ],
    "zh": ["表 {n}", "", "论文，%", "本项目，{scale} 规模，%", "次数", "失败：论文 / 本项目"],
}
CHINESE = {
    "original": "原始单元",
    "shortcut-only gating": "仅捷径门控",
    "exclusive gating": "互斥门控",
    "1x1 conv shortcut": "1x1 卷积捷径",
    "constant scaling": "常数缩放",
    "dropout shortcut": "dropout 捷径",
    "full pre-activation": "完全预激活",
    "original residual unit": "原始残差单元",
    "ReLU-only pre-activation": "仅 ReLU 预激活",
    "ReLU before addition": "加法之前 ReLU",
    "BN after addition": "加法之后 BN",
    "fail": "失败",
    "yes / yes": "是 / 是",
    "yes / no": "是 / 否",
    "no / yes": "否 / 是",
    "no / no": "否 / 否",
}
REMARKS = [
    ("Fig. ", "图 "),
    ("bias ", "偏置 "),
    ("ratio ", "比率 "),
    (" on the shortcut", "（捷径）"),
    (" on F: a plain net", "（F）：即普通网络"),
    (": frozen gating", "：冻结的门"),
    (" and ", " 和 "),
    (" (the paper: 0 to -5)", "（论文：0 至 -5）"),
    (", ", "，"),
]


def chinese(text):
    """A cell of a table in Chinese; what there is no word for stays as it is."""
    if text in CHINESE:
        return CHINESE[text]
    for english, word in REMARKS:
        text = text.replace(english, word)
    return text
