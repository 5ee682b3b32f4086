"""Reports that people read: tables, figures, pages and cards."""
