import azure.functions as func


def main(tick: func.TimerRequest) -> str:
    return f"{tick.past_due} {tick.schedule_status['Next']}"
