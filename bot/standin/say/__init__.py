"""Lines as a person types them: their grammar, and the driver that says them."""
