"""NovelAI's image service: `wire` is its language, `client` the conversation."""
