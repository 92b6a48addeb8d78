"""Where side data lies in a picture file, container by container, and what is personal in it. No pixel is decoded."""
