"""Print the options of train_cifar.py that a network's name stands for: python -m symbols preact-constant_scaling110"""
import sys

from common.errors import UserError, run

from . import names


def main():
    if len(sys.argv) != 2:
        raise UserError("usage: python -m symbols NETWORK")
    print("--activation {} --shortcut {} --depth {}".format(*names.parse(sys.argv[1])))


run(main)
