"""What people look at, drawn from the logs under results/ alone; figures go to plots/figures/."""
import matplotlib

import common  # noqa: F401 (sets MXNet's environment, before any import of MXNet)

matplotlib.rcdefaults()  # the user's matplotlibrc is for the user's own figures
matplotlib.use("Agg")
