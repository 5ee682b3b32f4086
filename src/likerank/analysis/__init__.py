"""What only the command `analyse` uses: statistics, figures and the page."""
