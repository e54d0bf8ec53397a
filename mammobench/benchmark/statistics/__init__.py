"""From traces and sealed test scores to who is better, by how much, and how sure that is."""
