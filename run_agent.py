"""python run_agent.py --agent-id aide --competition-set experiments/splits/low.txt: MLE-bench's options, our sweep."""

from jobs import cli
from jobs.run_agent import run_agent

if __name__ == "__main__":
    cli.run(run_agent, "run_agent.py")
