"""English and Chinese words of the computed tables and captions."""

import re

CAPTION = {
    "en": "{scale}: {data}, {image_size}x{image_size} pixels, {iterations} iterations of "
    "{batch_size} images, {dtype}; runs: {runs}, seeds: {seed}; {machine}; median time {time}.",
    "zh": "{scale}：{data}，{image_size}x{image_size} 像素，{iterations} 次迭代，每批 {batch_size} "
    "张图像，{dtype}；运行 {runs} 次，随机种子：{seed}；{machine}；用时中位数 {time}。",
}
NO_RUNS = {"en": "No finished runs yet.", "zh": "还没有完成的训练。"}
ENGLISH = {"constant scaling (0 and 1)": "plain: no shortcut"}
CHINESE = {
    "network": "网络",
    "scale": "规模",
    "paper, %": "论文（%）",
    "ours, %": "本项目（%）",
    "runs": "运行次数",
    "command": "命令",
    "time": "用时",
    "machine": "机器",
    "data": "数据",
    "layers": "层数",
    "test error, %": "测试误差（%）",
    "fail": "失败",
    "original": "原始网络",
    "full pre-activation": "完全预激活",
    "BN after addition": "相加后做 BN",
    "exclusive gating (bias 0)": "互斥门控（exclusive gating，偏置 0）",
    "shortcut-only gating (bias -6)": "仅捷径门控（shortcut-only gating，偏置 -6）",
    "1x1 conv shortcut": "1x1 卷积捷径",
    "constant scaling (0 and 1)": "普通网络：无捷径",
    "dropout shortcut (ratio 0.5)": "dropout 捷径（丢弃率 0.5）",
}


CHINESE_PARTS = {  # of cells, captions and titles
    r"^Figure (\d)$": r"图 \1",
    r"\bScale (\w+)": r"规模 \1",
    r" \(threads: (\d+)\)": r"（\1 线程）",
    r" \(devices: (\d+), threads: (\d+) each\)": r"（\1 个设备，各 \2 线程）",
    r"）, ": "）、",
    r"\bbfloat16, float32\b": "bfloat16、float32",
    r"(?<=\d), (?=\d)": "、",
    r"CIFAR-10 \(20 test images as JPEG\)": "CIFAR-10（20 张测试图像为 JPEG）",
    r"(\d) min\b": r"\1 分钟",
    r"(\d) h\b": r"\1 小时",
}


DEPARTURES = {  # of the reading notes' network and recipe from the paper's
    "stride": "stride 2 in the first stage 第一阶段步长为 2",
    "projection": "projection of the unit's input before activation, in every stage "
    "每个阶段对未激活的输入作投影",
    "stem": "no BN and ReLU after the first layer 首层之后没有 BN 与 ReLU",
    "widths": "widths 64, 128, 256 宽度 64、128、256",
    "biases": "biases in convolutions 卷积带偏置",
    "epsilon": "epsilon 1e-3",
    "gamma": "last gamma fixed at 1 最后一个 BN 的 gamma 固定为 1",
    "pooling": "3x3 pooling, stride 1 3x3、步长 1 的池化",
    "classifier": "He's Gaussian for the classifier 分类层用 He 初始化",
    "decay": "weight decay of gammas gamma 也施加权重衰减",
    "raw": "raw pixels 原始像素",
    "unaugmented": "no augmentation 无数据增强",
    "constant": "learning rate 0.1 throughout 学习率始终为 0.1",
    "nag": "Nesterov momentum (MXNet's nag) Nesterov 动量",
}


def translated(table, language):
    """Return a table with the words of a language. Other cells stay as they are."""
    known = CHINESE if language == "zh" else ENGLISH
    lines = [table.head, *table.rows]
    head, *rows = [[known.get(cell, of_parts(cell, language)) for cell in row] for row in lines]
    return table._replace(head=head, rows=rows)


def of_parts(text, language):
    """Return a cell or caption with the words of a language for machines, times and data."""
    for part, chinese in CHINESE_PARTS.items() if language == "zh" else ():
        text = re.sub(part, chinese, text)
    return text
