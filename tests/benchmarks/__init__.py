"""The budgets of the package, each against a reference that a good engineer would write."""
