"""Dagster: assets, checks, jobs, schedules, sensors. The only package that imports it.

What belongs here: when stages run, in which order, and what the UI shows of them. What does not: how a stage does its work.
"""
