module.exports = async function (context, myTimer) {
    if (myTimer.isPastDue) {
        context.log('The timer is late.');
    }
    context.log('The timer trigger function {{name}} ran at', new Date().toISOString());
};
