"""The plant's proof of concept: from a folder of pictures to a bundle, its figures and a page that says go or no-go."""
