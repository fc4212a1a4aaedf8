"""The world: each adapter implements a port and knows no service."""
