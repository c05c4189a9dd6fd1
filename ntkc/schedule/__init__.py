"""The strategic part: levels and slices, where their values lie, and what repeats."""
