module.exports = async function (context, myQueueItem) {
    context.log('The queue trigger function {{name}} received:', myQueueItem);
};
