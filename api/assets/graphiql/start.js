// Puts GraphiQL on the page. Sessions are by cookie, so what is signed in here is signed in there.
const socket = location.origin.replace(/^http/, 'ws') + '/graphql';
const fetcher = GraphiQL.createFetcher({ url: '/graphql', subscriptionUrl: socket });
const root = ReactDOM.createRoot(document.getElementById('graphiql'));
root.render(React.createElement(GraphiQL, { fetcher, defaultQuery: '{\n  viewer {\n    name\n    organizations {\n      name\n    }\n  }\n}\n' }));
