// Recommends cities and seasons in its custom status, by the choice 1, 2 or 3.

const df = require('durable-functions');

const { RECOMMENDED } = require('../shared/cities');

const THINKING = 1000;

module.exports = df.orchestrator(function* (context) {
  const [cities, seasons] = RECOMMENDED[Number(context.df.getInput())];
  context.df.setCustomStatus({ recommendedCities: cities, recommendedSeasons: seasons });
  yield context.df.createTimer(new Date(context.df.currentUtcDateTime.getTime() + THINKING));
  return cities[0];
});
