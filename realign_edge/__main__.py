"""`python -m realign_edge`, and with it `accelerate launch -m realign_edge`."""

from realign_edge.cli.main import main

if __name__ == "__main__":
    main()
