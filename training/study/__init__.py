"""The recurrent family side by side: what is compared, trained, measured and reported."""
