"""Inspection and alignment reports: one data model, four forms (HTML, PDF, CSV, JSON), two languages."""
