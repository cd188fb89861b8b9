"""The paper's words for networks, as its legends and tables have them."""

ACTIVATIONS = {
    "original": "original",
    "bn_after_addition": "BN after addition",
    "relu_before_addition": "ReLU before addition",
    "relu_only_preact": "ReLU-only pre-activation",
    "preact": "pre-activation",
}
SHORTCUTS = {
    "constant_scaling": "const scaling",
    "convolution": "1x1 conv shortcut",
    "dropout": "dropout shortcut",
    "exclusive_gating": "exclusive gating",
    "shortcut_only_gating": "shortcut-only gating",
}
# (a) to (f) of Figure 2; the plain net is 0 and 1 of (b)
SHORTCUT_ORDER = (
    "identity",
    "plain",
    "constant_scaling",
    "exclusive_gating",
    "shortcut_only_gating",
    "convolution",
    "dropout",
)


def kind(recipe):
    """'exclusive gating (init b=-6)': what a recipe's network differs in from the original one.

    recipe: activation, shortcut and, where they are known, shortcut_args and activation_args,
    {constant: value}.
    """
    parts = []
    if recipe["activation"] != "original":
        activation = recipe["activation"]
        parts.append(
            ACTIVATIONS.get(activation, activation.replace("_", " "))
            + constants(activation, recipe.get("activation_args") or {})
        )
    if recipe["shortcut"] != "identity":
        shortcut = recipe["shortcut"]
        parts.append(
            SHORTCUTS.get(shortcut, shortcut.replace("_", " "))
            + constants(shortcut, recipe.get("shortcut_args") or {})
        )
    return " and ".join(parts) or "original"


def constants(shortcut, values):
    """A shortcut's constants behind its name, as the legends of Figure 3 write them."""
    if shortcut == "constant_scaling" and len(values) == 2:
        return f" ({values['scale']:g}, {values['residual_scale']:g})"
    if shortcut.endswith("_gating") and list(values) == ["bias"]:
        return f" (init b={values['bias']:g})"
    said = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in values.items())
    return f" ({said})" if said else ""
