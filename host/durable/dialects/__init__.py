"""The forms in which orchestrators, entities and activities are spoken to. One for each app and language."""
