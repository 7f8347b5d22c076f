"""What a host does with the terminal it was started in: colours, links, and the keys that steer it."""
