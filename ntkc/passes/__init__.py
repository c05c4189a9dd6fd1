"""Passes: functions from module to module, in one ordered tuple."""
