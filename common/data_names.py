"""Names of known data sets, in config.json, tables and figures."""

CIFAR10, CIFAR100 = "CIFAR-10", "CIFAR-100"
# Every training image is the original; 20 of the 10,000 test images are decoded JPEGs.
CIFAR10_NEARLY = f"{CIFAR10} (20 test images as JPEG)"
CIFAR10_JPEG = f"{CIFAR10} (JPEG q75)"  # all images are decoded JPEGs of quality 75


def compared_as(name):
    """Return the name under which runs on these images are compared.

    CIFAR10_NEARLY counts as CIFAR-10: the training images are the same, and 20 test images change
    an error by at most 0.2 points.
    """
    return name.replace(CIFAR10_NEARLY, CIFAR10)


def is_known_and_same(first, second):
    """Return whether two names mean the same official images.

    False for other names, because different sets of users can have the same name.
    """
    return compared_as(first) in (CIFAR10, CIFAR100) and compared_as(first) == compared_as(second)
