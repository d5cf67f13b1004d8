# Gives the place of $TURN in the queue up.

leave
