"""Takes rows down after a release: finds them and their copies, and makes a release without them beside the old one."""
