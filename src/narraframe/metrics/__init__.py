"""Figures with intervals: quality of classifiers, clusterings, prevalence."""
