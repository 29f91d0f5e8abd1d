"""What is made of your own video: tables, and overlays to look at."""
