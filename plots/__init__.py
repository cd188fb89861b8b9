"""What people look at, drawn from the logs under results/ alone; figures go to plots/figures/."""
