"""Play policies, measure them, place them between the two ends of the scale, replay them."""
