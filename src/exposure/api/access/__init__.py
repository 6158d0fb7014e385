"""Who is asking, what they may see and how often: decided before anything of the API hears of the request."""
