//! Figures as SVG and PNG, tables, and a run's HTML report.
