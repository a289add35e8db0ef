"""Reports as PDF/A: own layout on fpdf2, with embedded fonts and line breaks that suit Japanese."""
