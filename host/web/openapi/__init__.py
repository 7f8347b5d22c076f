"""An app's HTTP functions and the host's management APIs as an OpenAPI 3.1 document."""
