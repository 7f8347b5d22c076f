import azure.functions as func


class Greeter:
    async def greet(self, req: func.HttpRequest) -> str:
        return f"Hi {req.get_json()['name']}"


run = Greeter().greet
