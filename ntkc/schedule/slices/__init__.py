"""The schedule of networks on positions: displacement slices, segments, and where they meet."""
