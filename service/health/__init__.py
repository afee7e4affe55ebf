"""Health: is the process alive, and may it be sent parts?"""
