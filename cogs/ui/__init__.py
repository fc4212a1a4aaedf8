"""What the cogs share: options, controls, answers and replies."""
