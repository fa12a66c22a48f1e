"""A new model without a pause: a second index, filled beside the one that answers, and changed over to in a moment."""
