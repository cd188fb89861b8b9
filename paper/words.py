"""The paper's names of networks in legends and tables."""

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
# Figure 2(a) to (f); the plain network is (b) with the factors 0 and 1.
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
    """Return 'exclusive gating (init b=-6)': how a network differs from the original one.

    recipe: {"activation": name, "shortcut": name}, and optionally "activation_args" and
    "shortcut_args", {constant: value}, and "departure", of the reading notes' network.
    """
    parts = []
    for axis, default in (("activation", "original"), ("shortcut", "identity")):
        variant = recipe[axis]
        if variant != default:
            name = {**ACTIVATIONS, **SHORTCUTS}.get(variant, variant.replace("_", " "))
            parts.append(name + constants_in_words(variant, recipe.get(f"{axis}_args") or {}))
    words = " and ".join(parts) or "original"
    return f"{words}, the notes' {recipe['departure']}" if "departure" in recipe else words


def constants_in_words(variant, values):
    """Return a variant's constants after its name, as in the legends of Figure 3."""
    if variant == "constant_scaling" and len(values) == 2:
        return f" ({values['scale']:g}, {values['residual_scale']:g})"
    if variant.endswith("_gating") and list(values) == ["bias"]:
        return f" (init b={values['bias']:g})"
    text = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in values.items())
    return f" ({text})" if text else ""
