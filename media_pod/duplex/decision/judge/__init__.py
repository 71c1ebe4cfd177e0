"""The learned judge: features of every slot, small recurrent networks, and the stop rule."""
