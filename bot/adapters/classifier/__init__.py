"""What looks at pictures before they are shown."""
